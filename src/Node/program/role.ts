/**
 * What a worker thread of this package is told to be, as its `workerData`.
 */
export type Role =
  | { readonly halyard: "flags" }
  | {
      readonly halyard: "spinner"
      /** Whole frames, message included, clipped to the screen. */
      readonly frames: ReadonlyArray<string>
      /** How many columns the widest takes. */
      readonly width: number
      /** From one frame to the next. */
      readonly millis: number
      /** One 32-bit integer, 0 until the spinner shall stop. */
      readonly signal: SharedArrayBuffer
    }
