/** Up to here a linear search is faster than a Map. */
const linearLimit = 12;

/** The objects of one value in the order in which they were met: their places are the numbers that references name. */
export class SeenObjects {
  private objects: object[] = [];
  private numbers: Map<object, number> | undefined;

  reset(): void {
    this.objects = [];
    this.numbers = undefined;
  }

  /** The number of an object that was met before, else -1, and from now on it has one. */
  add(object: object): number {
    const { objects } = this;
    if (objects.length <= linearLimit) {
      const number = objects.indexOf(object);
      if (number < 0) objects.push(object);
      return number;
    }
    const numbers = (this.numbers ??= new Map(objects.map((one, number) => [one, number])));
    const number = numbers.get(object);
    if (number !== undefined) return number;
    numbers.set(object, objects.length);
    objects.push(object);
    return -1;
  }

  has(object: object): boolean {
    return this.numbers ? this.numbers.has(object) : this.objects.includes(object);
  }
}
