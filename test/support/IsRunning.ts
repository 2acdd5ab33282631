/** Whether a process of that id exists, one whose parent has not yet taken notice of its end included. */
export const isRunning = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
