import { createGzip, type Gzip } from "node:zlib";
import { once } from "node:events";
import type { FileWriter } from "../file/file-system.js";

/** How the text of a file is compressed: "gzip" at level 6. */
export type TextCompression = "none" | "gzip";

export const textCompressions: readonly TextCompression[] = ["none", "gzip"];

/** Characters that are gathered before they are written. */
const bufferedCharacters = 64 << 10;

/** Writes text as UTF-8, compressed or not. What it is given may hold no lone surrogates. */
export class TextFile {
  private readonly file: FileWriter;
  private readonly gzip: Gzip | undefined;
  private compressed: Uint8Array[] = [];
  private text = "";

  constructor(file: FileWriter, compression: TextCompression) {
    this.file = file;
    if (compression === "none") return;
    this.gzip = createGzip({ level: 6 });
    this.gzip.on("data", (bytes: Uint8Array) => this.compressed.push(bytes));
  }

  /** Await the promise when there is one. */
  add(text: string): undefined | Promise<void> {
    this.text += text;
    return this.text.length < bufferedCharacters ? undefined : this.flush();
  }

  async finish(): Promise<void> {
    await this.flush();
    if (!this.gzip) return;
    const end = once(this.gzip, "end");
    this.gzip.end();
    await end;
    await this.writeCompressed();
  }

  private async flush(): Promise<void> {
    const bytes = Buffer.from(this.text, "utf8");
    this.text = "";
    if (bytes.length === 0) return;
    if (!this.gzip) {
      await this.file.write(bytes);
      return;
    }
    const { gzip } = this;
    await new Promise<void>((resolve, reject) => {
      gzip.write(bytes, (error) => {
        if (error) reject(error);
        else resolve();
      });
    });
    await this.writeCompressed();
  }

  private async writeCompressed(): Promise<void> {
    const chunks = this.compressed;
    this.compressed = [];
    for (const chunk of chunks) await this.file.write(chunk);
  }
}
