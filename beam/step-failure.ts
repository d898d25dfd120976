/** In which step an error was thrown. The error itself is left as it is: its class, text, code and position are the user's. */
const steps = new WeakMap<object, string>();

export function noteFailedStep(error: unknown, step: string): void {
  if (typeof error === "object" && error !== null && !steps.has(error)) steps.set(error, step);
}

/**
 * The full name of the step (`mergeDevices/map(newest)`) in which a pipeline's error was thrown, as far as it is known.
 * @example catch (error) { console.error(failedStep(error), error.message); }
 */
export function failedStep(error: unknown): string | undefined {
  return typeof error === "object" && error !== null ? steps.get(error) : undefined;
}
