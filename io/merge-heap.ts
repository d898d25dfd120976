/** The inputs of a merge, the one with the least element first. */
export class MergeHeap<T> {
  private readonly compare: (a: T, b: T) => number;
  private readonly inputs: T[] = [];

  constructor(compare: (a: T, b: T) => number) {
    this.compare = compare;
  }

  /** The least one, or undefined when there is none left. */
  get first(): T | undefined {
    return this.inputs[0];
  }

  push(input: T): void {
    const { inputs } = this;
    let at = inputs.push(input) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (this.compare(inputs[at]!, inputs[parent]!) >= 0) return;
      this.swap(at, parent);
      at = parent;
    }
  }

  /** To be called when the first one has moved to its next element. */
  firstChanged(): void {
    const { inputs } = this;
    let at = 0;
    for (;;) {
      const left = at * 2 + 1;
      let least = at;
      for (let child = left; child < left + 2 && child < inputs.length; child++)
        if (this.compare(inputs[child]!, inputs[least]!) < 0) least = child;
      if (least === at) return;
      this.swap(at, least);
      at = least;
    }
  }

  removeFirst(): void {
    const last = this.inputs.pop();
    if (last === undefined || this.inputs.length === 0) return;
    this.inputs[0] = last;
    this.firstChanged();
  }

  private swap(a: number, b: number): void {
    const { inputs } = this;
    [inputs[a], inputs[b]] = [inputs[b]!, inputs[a]!];
  }
}
