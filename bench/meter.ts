/**
 * Loaded into a contestant before its own program (`node --import`): answers each message of the bench with the
 * CPU time the process has used, all its threads, in microseconds. The contestants do not know of it.
 */
process.on("message", () => {
  const { user, system } = process.cpuUsage()
  process.send?.(user + system)
})
// Listening must not keep a contestant alive that is done.
process.channel?.unref()
