/**
 * The number that a decimal text stands for, undefined when there is none that gives the same decimal back: 17 digits and more may lie
 * between two doubles.
 */
export function numberOf(text: string): number | undefined {
  const number = Number(text);
  if (!Number.isFinite(number)) return /^(NaN|-?Infinity)$/.test(text) ? number : undefined;
  return digitsOf(text) === digitsOf(String(number)) ? number : undefined;
}

/** Whether `JSON.parse` keeps every number of the text. */
export function jsonNumbersAreExact(json: string): boolean {
  for (const [token] of json.matchAll(/"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g))
    if (!token.startsWith('"') && numberOf(token) === undefined) return false;
  return true;
}

/** Sign, digits without zeros at either end, and the place of the point: equal for all texts of one decimal. -0 is a zero of its own. */
function digitsOf(text: string): string {
  const found = /^(-?)(\d*)\.?(\d*)(?:[eE]([+-]?\d+))?$/.exec(text);
  if (!found) return text;
  const [, sign = "", whole = "", fraction = "", exponent = "0"] = found;
  const digits = (whole + fraction).replace(/^0+/, "");
  const significant = digits.replace(/0+$/, "");
  // A numeric's -0 does not exist, and a double's is a zero that PostgreSQL writes as such.
  if (significant === "") return "0";
  const point = digits.length - fraction.length + Number(exponent);
  return `${sign}${significant}e${point}`;
}
