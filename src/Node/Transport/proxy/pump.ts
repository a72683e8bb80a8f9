/**
 * Copies what a socket receives into buffers of the caller, as `onread` does for a socket without a tunnel. Node has no `onread` for
 * TLS on an existing socket.
 *
 * @internal
 */
import type { Socket } from "node:net"

export class Pump {
  /** `receive` gets the number of bytes in the buffer. It returns false to pause; bytes that were received already still follow. */
  constructor(
    private readonly socket: Socket,
    nextBuffer: () => Uint8Array,
    receive: (bytes: number) => boolean
  ) {
    socket.on("data", (chunk: Buffer) => {
      for (let at = 0; at < chunk.length && !socket.destroyed; ) {
        const bytes = chunk.copy(nextBuffer(), 0, at)
        at += bytes
        if (!receive(bytes)) {
          this.stop()
        }
      }
    })
    // It may have been paused since the answer of the proxy.
    socket.resume()
  }

  resume(): void {
    if (!this.call("readStart")) {
      this.socket.resume()
    }
  }

  // `pause` of the stream would read on, and delay the end of the stream, which `EndWatch` must see when it arrives.
  private stop(): void {
    if (!this.call("readStop")) {
      this.socket.pause()
    }
  }

  /** Calls a method of the socket's handle. Returns false if this version of Node has no such method. */
  private call(name: "readStart" | "readStop"): boolean {
    const handle: unknown = Reflect.get(this.socket, "_handle")
    const method: unknown = typeof handle === "object" && handle !== null ? Reflect.get(handle, name) : undefined
    if (typeof method !== "function") {
      return false
    }
    method.call(handle)
    return true
  }
}
