/**
 * The task of a worker thread, as its `workerData`.
 */
export type WorkerRole =
  | { readonly halyard: "flags" }
  | {
      readonly halyard: "spinner"
      /** Frames with the message, clipped to the screen. */
      readonly frames: ReadonlyArray<string>
      /** The columns of the widest frame. */
      readonly width: number
      /** The time from one frame to the next. */
      readonly intervalMillis: number
      /** One 32-bit integer. Any value but 0 stops the spinner. */
      readonly signal: SharedArrayBuffer
    }
