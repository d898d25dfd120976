/** A kind of record that applications keep in IndexedDB. */
export interface Shape {
  readonly title: string;
  /** The record of this number: the same one every time. */
  record(number: number): object;
  /** How many are encoded in one repeat. */
  readonly count: number;
}

export type ShapeName = "flat" | "nested" | "binary";

export const shapes: Readonly<Record<ShapeName, Shape>> = {
  flat: { title: "flat: a to-do item, about 185 bytes of JSON", record: todo, count: 20_000 },
  nested: { title: "nested: a chat message, about 440 bytes of JSON", record: chatMessage, count: 10_000 },
  binary: { title: "binary: a record with 20,000 bytes", record: picture, count: 1_000 },
};

function todo(number: number): object {
  return {
    id: `todo-${number}`,
    title: `Buy milk and bread number ${number}`,
    done: number % 3 === 0,
    priority: number % 5,
    createdAt: 1_700_000_000_000 + number * 1000,
    tags: ["home", "shop"],
    list: "groceries",
    notes: null,
    owner: `user-${number % 100}`,
  };
}

function chatMessage(number: number): object {
  const author = number % 200;
  return {
    id: `msg-${number}`,
    chat: `room-${number % 50}`,
    author: { id: `u${author}`, name: `Jane Doe ${author}`, avatar: `https://example.com/a/${author}.png` },
    text: `Hello there, this is message number ${number} with some more text to be like a real one.`,
    sentAt: new Date(1_700_000_000_000 + number * 60_000),
    edited: null,
    reactions: [
      { emoji: "\u{1F44D}", by: ["u1", "u2"] },
      { emoji: "heart", by: ["u3"] },
    ],
    attachments: [],
    readBy: ["u1", "u2", "u3"],
    meta: { client: "web", version: `2.3.${number % 10}`, flags: number % 16 },
  };
}

function picture(number: number): object {
  const data = new Uint8Array(20_000);
  for (let at = 0; at < data.length; at++) data[at] = (at * 31 + number * 7) & 255;
  return { id: number, data };
}
