import { describe, expect, it } from "vitest"
import { spawn } from "./spawn.ts"

const program = (name: string) => spawn("test/cli/programs/ending.ts", [name])

describe("a program", () => {
  it("ends with 0 when its work is done", async () => {
    expect(await program("success").ended).toEqual({ code: 0, stdout: "", stderr: "" })
  })

  it("tells a user's mistake in one line and ends with 2", async () => {
    expect(await program("user-error").ended).toEqual({
      code: 2,
      stdout: "",
      stderr: "sluice: functions_file=x.yaml cannot be read: set another one\n"
    })
  })

  it("tells a mistake of ours with its stack and ends with 1", async () => {
    const { code, stderr } = await program("defect").ended
    expect(code).toBe(1)
    expect(stderr).toMatch(/^sluice: Error: this should not have happened\n\s+at /)
  })

  it.each(["SIGTERM", "SIGINT"] as const)(
    "finishes what is running on %s and ends with 0",
    async (signal) => {
      const running = program("graceful")
      await running.printed("ready")
      running.child.kill(signal)
      expect(await running.ended).toEqual({
        code: 0,
        stdout: "ready\nfinished what was running\n",
        stderr: ""
      })
    }
  )

  it("that does not finish ends with 130 at the second signal", async () => {
    const running = program("stuck")
    await running.printed("ready")
    running.child.kill("SIGTERM")
    await running.printed("stopping")
    running.child.kill("SIGINT")
    expect((await running.ended).code).toBe(130)
  })
})
