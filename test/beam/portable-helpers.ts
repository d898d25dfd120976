import { registerFunctions } from "../../beam/index.js";

export function double(x: number): number {
  return x * factor;
}

const factor = 2;

registerFunctions("beam-indexeddb/test/portable-helpers", { double });
