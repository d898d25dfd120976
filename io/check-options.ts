/**
 * Refuses options that a transform does not have: a mistyped name would otherwise be passed over in silence.
 * @throws TypeError that names the valid ones
 */
export function checkOptionNames(transform: string, options: object, valid: readonly string[]): void {
  const unknown = Object.keys(options).find((name) => !valid.includes(name));
  if (unknown === undefined) return;
  throw new TypeError(
    `${transform}: there is no option ${JSON.stringify(unknown)}. Options are: ${valid.join(", ")}.`,
  );
}
