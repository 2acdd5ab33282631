import type { Model } from "./Explorer.ts"

/**
 * An operator deletes the stream while a call of it runs, and it is made again. Sequences start again at 1, so
 * the two calls share one, and only names tell them apart.
 */
interface State {
  /** how many streams of this name there have been */
  readonly generation: number
  /** the call at sequence 1 of the present stream */
  readonly call: "waiting" | "out" | "removed" | "absent"
  /** the stream whose call each worker has in hand */
  readonly inHand: ReadonlyArray<number>
  /** answers under way, by the stream that their delivery came from */
  readonly acks: ReadonlyArray<number>
  /** ids under which results are stored, and for which stream's call */
  readonly results: ReadonlyArray<readonly [id: string, generation: number]>
}

/** @param named consumer names and message ids contain the stream's creation */
export const streamReset = (named: boolean): Model<State> => {
  const id = (generation: number) => (named ? `callback-${generation}-1` : "callback-1")
  const hits = (state: State, of: number) => state.call === "out" && (!named || of === state.generation)
  return {
    initial: { generation: 1, call: "waiting", inHand: [], acks: [], results: [] },
    steps: function* (state) {
      if (state.call === "waiting") {
        yield ["deliver", { ...state, call: "out", inHand: [...state.inHand, state.generation] }]
      }
      for (const [index, of] of state.inHand.entries()) {
        const known = state.results.some(([stored]) => stored === id(of))
        const results = known ? state.results : [...state.results, [id(of), of] as const]
        yield [
          "finish",
          { ...state, inHand: state.inHand.toSpliced(index, 1), acks: [...state.acks, of], results }
        ]
      }
      for (const [index, of] of state.acks.entries()) {
        const call = hits(state, of) ? "removed" : state.call
        yield ["ack", { ...state, acks: state.acks.toSpliced(index, 1), call }]
      }
      if (state.generation === 1) yield ["reset", { ...state, generation: 2, call: "waiting" }]
    },
    violation: (state) => {
      const done = state.results.some(([, of]) => of === state.generation)
      return state.call === "removed" && !done
        ? "a new call is gone, and its result is not stored"
        : undefined
    },
    unfinished: () => undefined
  }
}
