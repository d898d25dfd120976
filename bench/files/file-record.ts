/**
 * A to-do item of about 190 bytes of JSON whose text, ids and times vary as people's do: a record that differs from its neighbours by a number alone would
 * compress far better than any real one. The same for a number every time.
 */
export function fileRecord(number: number): object {
  const random = randomFrom(number);
  const word = (count: number): string => words[random() % count]!;
  return {
    id: `${hex(random())}-${hex(random())}`,
    title: `${word(3000)} ${word(3000)} ${word(3000)} ${word(3000)} ${word(3000)}`,
    done: random() % 3 === 0,
    priority: random() % 5,
    createdAt: createdAt(number),
    tags: [word(40), word(40)],
    list: word(100),
    notes: null,
    owner: `user-${random() % 1000}`,
  };
}

export function createdAt(number: number): number {
  return 1_700_000_000_000 + number * 1000;
}

/** Numbers of 32 bits (the generator is "mulberry32"). */
function randomFrom(seed: number): () => number {
  let state = Math.imul(seed + 1, 0x9e3779b9);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
}

const syllables = [
  "ba",
  "do",
  "fen",
  "ga",
  "hi",
  "kor",
  "lu",
  "men",
  "na",
  "pi",
  "ra",
  "sol",
  "tu",
  "ve",
  "wo",
];

/** A word of two or more syllables for each number. */
function wordOf(number: number): string {
  let word = "";
  for (let rest = number + syllables.length; rest > 0; rest = Math.floor(rest / syllables.length))
    word += syllables[rest % syllables.length]!;
  return word;
}

const words = Array.from({ length: 3000 }, (_, number) => wordOf(number));

function hex(number: number): string {
  return number.toString(16).padStart(8, "0");
}
