/**
 * A queue whose entries can leave it from anywhere, each operation in constant time.
 */
export interface Node<A> {
  readonly value: A
  previous: Node<A> | undefined
  next: Node<A> | undefined
}

export class LinkedList<A> {
  first: Node<A> | undefined
  last: Node<A> | undefined

  push(value: A): Node<A> {
    const node: Node<A> = { value, previous: this.last, next: undefined }
    if (this.last === undefined) {
      this.first = node
    } else {
      this.last.next = node
    }
    this.last = node
    return node
  }

  /** Removes an entry of this list, once. */
  remove(node: Node<A>): void {
    if (node.previous === undefined) {
      this.first = node.next
    } else {
      node.previous.next = node.next
    }
    if (node.next === undefined) {
      this.last = node.previous
    } else {
      node.next.previous = node.previous
    }
    node.previous = undefined
    node.next = undefined
  }
}
