/** The beginning of something that may be long. */
export interface Excerpt {
  readonly bytes: Uint8Array
  /** of the whole */
  readonly totalBytes: number
}

/** How much of an answer is kept for people. */
export const MAX_BYTES = 1024
