/** Small pictures made of arithmetic, the same bytes on every machine: a PNG whose data is stored, not compressed. */
export interface Picture {
  readonly hue: number;
  /** Where the sun stands, 0 (left) to 1 (right). */
  readonly sun: number;
  /** Shape of the hills. */
  readonly phase: number;
}

const width = 240;
const height = 160;
const skyColors = 12;

export function drawPicture({ hue, sun, phase }: Picture): Uint8Array<ArrayBuffer> {
  const palette = [
    ...Array.from({ length: skyColors }, (_, i) => hsl(hue + i * 3.5, 0.75, 0.55 + i * 0.03)),
    hsl(hue + 45, 1, 0.93),
    hsl(hue + 200, 0.32, 0.58),
    hsl(hue + 205, 0.36, 0.42),
    hsl(hue + 210, 0.42, 0.27),
  ];
  const rows = Array.from({ length: height }, (_, y) =>
    Array.from({ length: width }, (_, x) => colorAt(x, y, sun, phase)),
  );
  return png(rows, palette);
}

function colorAt(x: number, y: number, sun: number, phase: number): number {
  const hills = [0.52, 0.66, 0.8].map((base, i) => {
    const wave = Math.sin(x / (38 - i * 7) + phase + i * 2) * 9 + Math.sin(x / (15 + i * 4) + phase * 3) * 4;
    return base * height + wave;
  });
  for (let i = 2; i >= 0; i--) if (y > hills[i]!) return skyColors + 1 + i;
  const distance = Math.hypot(x - sun * width, y - height * 0.36);
  if (distance < 17) return skyColors;
  return Math.min(skyColors - 1, Math.floor((y / height) * skyColors * 1.5));
}

function hsl(hue: number, saturation: number, lightness: number): [number, number, number] {
  const channel = (offset: number): number => {
    const k = (offset + hue / 30) % 12;
    const a = saturation * Math.min(lightness, 1 - lightness);
    return Math.round(255 * (lightness - a * Math.max(-1, Math.min(k - 3, 9 - k, 1))));
  };
  return [channel(0), channel(8), channel(4)];
}

/** Four bits a pixel. */
function png(
  rows: readonly (readonly number[])[],
  palette: readonly (readonly number[])[],
): Uint8Array<ArrayBuffer> {
  const raw = rows.flatMap((row) => [0, ...pairs(row).map(([a, b]) => (a << 4) | b)]);
  const header = [...uint32(width), ...uint32(height), 4, 3, 0, 0, 0];
  return Uint8Array.from([
    0x89,
    0x50,
    0x4e,
    0x47,
    0x0d,
    0x0a,
    0x1a,
    0x0a,
    ...chunk("IHDR", header),
    ...chunk("PLTE", palette.flat()),
    ...chunk("IDAT", stored(raw)),
    ...chunk("IEND", []),
  ]);
}

function pairs(row: readonly number[]): [number, number][] {
  return Array.from({ length: row.length / 2 }, (_, i) => [row[2 * i]!, row[2 * i + 1]!]);
}

function chunk(type: string, data: readonly number[]): number[] {
  const body = [...new TextEncoder().encode(type), ...data];
  return [...uint32(data.length), ...body, ...uint32(crc32(body))];
}

/** A zlib stream of one stored block; it holds up to 65,535 bytes. */
function stored(data: readonly number[]): number[] {
  const { length } = data;
  const size = [length & 0xff, length >> 8, ~length & 0xff, (~length >> 8) & 0xff];
  return [0x78, 0x01, 0x01, ...size, ...data, ...uint32(adler32(data))];
}

function uint32(value: number): number[] {
  return [value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff];
}

function crc32(data: readonly number[]): number {
  let crc = 0xffffffff;
  for (const byte of data) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}

function adler32(data: readonly number[]): number {
  let a = 1;
  let b = 0;
  for (const byte of data) {
    a = (a + byte) % 65521;
    b = (b + a) % 65521;
  }
  return ((b << 16) | a) >>> 0;
}
