/**
 * Collects actions and runs them together, in their order, when the present turn of the event loop ends. What
 * nats.js is given at once it writes to the socket at once, and a write costs more than all else about a short
 * message.
 */
export const make = (): ((action: () => void) => void) => {
  let waiting: Array<() => void> = []
  const run = () => {
    const actions = waiting
    waiting = []
    for (const action of actions) action()
  }
  return (action) => {
    if (waiting.length === 0) setImmediate(run)
    waiting.push(action)
  }
}

/**
 * The one for all that the worker tells the server about calls: a pull request must not overtake the
 * acknowledgement that made room for it, or the server would hand out more than the limit.
 */
export const atEndOfTurn = make()
