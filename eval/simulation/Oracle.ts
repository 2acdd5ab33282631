import { type World, network, send } from "./World.ts"

/**
 * The best anybody could do: it sees free slots at once, sends to them and to nowhere else, and drives the same
 * autoscaler. Where nothing is rejected it keeps as many calls running as there are cores.
 */
export const oracle = (world: World): void => {
  const { queue, backend, scenario, timeline, recorder } = world
  const most = scenario.maxInFlight * scenario.joins.length
  let onTheWay = 0

  const pump = (): void => {
    while (backend.running + onTheWay < Math.min(backend.capacity, most)) {
      const call = queue.take()
      if (call === undefined) return
      onTheWay++
      send(world, call, ({ kind }) => {
        if (kind !== "success") return queue.giveBack([call])
        recorder.completed(call, timeline.now)
        world.done(call)
      })
      timeline.after(network, () => {
        onTheWay--
        pump()
      })
    }
  }
  queue.onMore(pump)
  backend.onChange(pump)
  pump()
}
