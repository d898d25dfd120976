/** The dataset that tables are in. */
export interface BigQueryDataset {
  /** Id of the project that has the dataset, and that its jobs run in and are billed to. */
  readonly project: string;
  readonly dataset: string;
  /** Where the dataset is, such as "EU" or "europe-west1". Default: asked of the service. */
  readonly location?: string;
}

/** The same with what every request needs. */
export interface BigQueryPlace extends BigQueryDataset {
  /** How often a request or job is tried that fails for a reason that may pass. */
  readonly maxAttempts: number;
}

/**
 * Refuses what can be no project, dataset or location: those are parts of addresses and of SQL.
 * @throws TypeError that says which forms there are
 */
export function checkDataset(transform: string, { project, dataset, location }: BigQueryDataset): void {
  const check = (what: string, value: unknown, form: RegExp, is: string): void => {
    if (typeof value === "string" && form.test(value)) return;
    throw new TypeError(`${transform}: ${what} is ${JSON.stringify(value)}. ${is}`);
  };
  check(
    "project",
    project,
    /^([a-z0-9.-]{1,100}:)?[a-z][a-z0-9-]{4,28}[a-z0-9]$/,
    "It is the id of a project: 6 to 30 lower-case letters, digits and hyphens, the first a letter.",
  );
  check(
    "dataset",
    dataset,
    /^[A-Za-z0-9_]{1,1024}$/,
    "The name of a dataset has letters, digits and underscores.",
  );
  if (location !== undefined)
    check("location", location, /^[A-Za-z][A-Za-z0-9-]{1,60}$/, 'It is such as "EU" or "europe-west1".');
}

/** A table's name in SQL. Its parts have no backquotes: those of the place are checked, and tables' names are made of letters, digits and underscores. */
export function quoteTable({ project, dataset }: BigQueryDataset, table: string): string {
  return `\`${project}.${dataset}.${table}\``;
}

export function quoteColumn(name: string): string {
  return `\`${name}\``;
}
