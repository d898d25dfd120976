/** A command of the CLI: what it is called, which options it takes, what it does. */
export interface Command {
  readonly name: string;
  /** After the name, in the usage line: "<file>..." and the like. */
  readonly argumentsText: string;
  readonly summary: string;
  readonly details?: string | undefined;
  readonly options: readonly Option[];
  /** Resolves to the exit code. */
  run(input: CommandInput): Promise<number>;
}

export interface Option {
  /** Without the dashes, camelCase. */
  readonly name: string;
  readonly short?: string | undefined;
  /** "flag" takes no value. */
  readonly kind: "flag" | "text" | "number" | "list";
  /** Name of the value in the help, such as "PATH". */
  readonly value?: string | undefined;
  readonly help: string;
  /** Shown in the help; the command itself applies it. */
  readonly defaultText?: string | undefined;
}

export interface CommandInput {
  readonly arguments: readonly string[];
  readonly options: ParsedOptions;
  readonly terminal: Terminal;
}

/** Values by option name; flags are true when given. */
export type ParsedOptions = Readonly<
  Record<string, string | number | boolean | readonly string[] | undefined>
>;

/** Where output goes: results to `out`, progress and messages to `err`. */
export interface Terminal {
  /** Await the promise when there is one: nobody reads as fast as records come. */
  out(text: string): void | Promise<void>;
  err(text: string): void;
  /** True when `err` is a terminal that a line can be rewritten on. */
  readonly isInteractive: boolean;
}

/** 0: done. */
export const exitCodes = {
  ok: 0,
  /** The data or the pipeline failed. */
  failed: 1,
  /** The call was wrong: unknown command, option, pipeline. */
  usage: 2,
  /** `recover` saved what was intact, but something is lost. */
  incomplete: 3,
  interrupted: 130,
  terminated: 143,
} as const;

/** A mistake in the call. */
export class UsageError extends Error {}

export const jsonOption: Option = { name: "json", kind: "flag", help: "Print the result as JSON." };
export const helpOption: Option = { name: "help", short: "h", kind: "flag", help: "Show this help." };
