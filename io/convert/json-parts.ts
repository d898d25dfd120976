import { Tokenizer, TokenType } from "@streamparser/json";
import { SnapshotError } from "../../snapshot/index.js";
import { define } from "../../snapshot/own-properties.js";

/** Where a part stands in the document: names of properties and places in arrays, from the root. */
export type JsonPath = readonly (string | number)[];

export interface JsonPart {
  readonly path: JsonPath;
  readonly value: unknown;
}

interface Frame {
  readonly isArray: boolean;
  /** What is built; undefined where nobody wants it. */
  readonly container: object | undefined;
  key: string | number;
  count: number;
}

type Expected = "value" | "firstValue" | "key" | "firstKey" | "colon" | "comma";

/** As deep as a JSON.parse gets. */
const maxDepth = 4000;

/**
 * Reads a JSON document as a stream and gives only the parts that are wanted, each when it is complete; memory is that of one part. Strict (RFC 8259): a document
 * that is cut or followed by more is an error, an own `__proto__` is a property.
 * @throws SnapshotError CONVERT_INVALID with the place in the file
 */
export async function* jsonParts(
  source: AsyncIterable<Uint8Array>,
  wanted: (path: JsonPath) => boolean,
): AsyncGenerator<JsonPart, void, undefined> {
  const builder = new PartBuilder(wanted);
  const tokenizer = new Tokenizer({ stringBufferSize: 65_536 });
  tokenizer.onToken = ({ token, value, offset }) => {
    builder.token(token, value, offset);
  };
  tokenizer.onError = (error) => {
    throw builder.invalid(error.message, undefined);
  };
  for await (const bytes of source) {
    if (tokenizer.isEnded) checkBlank(bytes, builder);
    else tokenizer.write(bytes);
    yield* builder.parts.splice(0);
  }
  if (!tokenizer.isEnded) tokenizer.end();
  if (!builder.complete) throw builder.invalid("it ends too early", undefined);
  yield* builder.parts.splice(0);
}

function checkBlank(bytes: Uint8Array, builder: PartBuilder): void {
  if (bytes.some((byte) => ![0x20, 0x09, 0x0a, 0x0d].includes(byte)))
    throw builder.invalid("more follows after its end", undefined);
}

class PartBuilder {
  readonly parts: JsonPart[] = [];
  complete = false;
  private readonly wanted: (path: JsonPath) => boolean;
  private readonly frames: Frame[] = [];
  private expected: Expected = "value";
  /** Depth of the part that is being built. */
  private building: number | undefined;

  constructor(wanted: (path: JsonPath) => boolean) {
    this.wanted = wanted;
  }

  invalid(what: string, offset: number | undefined): SnapshotError {
    return new SnapshotError("CONVERT_INVALID", `The file is no valid JSON: ${what}.`, { offset });
  }

  token(token: TokenType, value: unknown, offset: number): void {
    const { expected } = this;
    const frame = this.frames.at(-1);
    switch (token) {
      case TokenType.LEFT_BRACE:
      case TokenType.LEFT_BRACKET:
        this.expect(expected === "value" || expected === "firstValue", offset);
        this.open(token === TokenType.LEFT_BRACKET, offset);
        return;
      case TokenType.RIGHT_BRACE:
        this.expect(frame?.isArray === false && (expected === "firstKey" || expected === "comma"), offset);
        this.close();
        return;
      case TokenType.RIGHT_BRACKET:
        this.expect(frame?.isArray === true && (expected === "firstValue" || expected === "comma"), offset);
        this.close();
        return;
      case TokenType.COLON:
        this.expect(expected === "colon", offset);
        this.expected = "value";
        return;
      case TokenType.COMMA:
        this.expect(frame !== undefined && expected === "comma", offset);
        this.expected = frame!.isArray ? "value" : "key";
        return;
      default:
        if (expected === "key" || expected === "firstKey") {
          this.expect(token === TokenType.STRING, offset);
          frame!.key = value as string;
          this.expected = "colon";
          return;
        }
        this.expect(expected === "value" || expected === "firstValue", offset);
        this.startValue();
        this.endValue(value);
    }
  }

  private expect(condition: boolean, offset: number): void {
    if (!condition || this.complete) throw this.invalid(`an unexpected token at byte ${offset}`, offset);
  }

  private open(isArray: boolean, offset: number): void {
    if (this.frames.length >= maxDepth)
      throw this.invalid(`nesting over ${maxDepth} levels at byte ${offset}`, offset);
    this.startValue();
    const container = this.building === undefined ? undefined : isArray ? [] : {};
    this.frames.push({ isArray, container, key: "", count: 0 });
    this.expected = isArray ? "firstValue" : "firstKey";
  }

  private close(): void {
    const { container } = this.frames.pop()!;
    this.endValue(container);
  }

  private startValue(): void {
    const frame = this.frames.at(-1);
    if (frame?.isArray) frame.key = frame.count++;
    if (this.building === undefined && this.wanted(this.path())) this.building = this.frames.length;
  }

  private endValue(value: unknown): void {
    const frame = this.frames.at(-1);
    if (this.building === this.frames.length) {
      this.parts.push({ path: this.path(), value });
      this.building = undefined;
    } else if (frame?.container) {
      if (Array.isArray(frame.container)) frame.container.push(value);
      else if (frame.key === "__proto__") define(frame.container, "__proto__", value);
      else (frame.container as Record<string, unknown>)[frame.key] = value;
    }
    if (frame) this.expected = "comma";
    else this.complete = true;
  }

  private path(): JsonPath {
    return this.frames.map(({ key }) => key);
  }
}
