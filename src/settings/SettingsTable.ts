import { callbackSettings } from "./CallbackSettings.ts"
import { deadLetterSettings } from "./DeadLetterSettings.ts"
import { functionSettings } from "./FunctionSettings.ts"
import { gatewaySettings } from "./GatewaySettings.ts"
import { natsSettings } from "./NatsSettings.ts"
import { programSettings } from "./ProgramSettings.ts"
import { queueSettings } from "./QueueSettings.ts"
import type { Program, Setting } from "./Setting.ts"
import { workerSettings } from "./WorkerSettings.ts"

/** Every setting, once: flags, environment, help texts, `sluice config` and the README come from here. */
export const table = {
  ...natsSettings,
  ...queueSettings,
  ...functionSettings,
  ...workerSettings,
  ...callbackSettings,
  ...deadLetterSettings,
  ...gatewaySettings,
  ...programSettings
}

type Table = typeof table

/** The value of every setting, by its key in the table; durations are in milliseconds. */
export type Values = {
  readonly [Key in keyof Table]: Table[Key] extends Setting<infer A, infer Fallback>
    ? A | (undefined extends Fallback ? undefined : never)
    : never
}

/** The settings a program reads, in the order of the table. */
export function settingsOf(program: Program): ReadonlyArray<readonly [string, Setting<unknown>]> {
  return Object.entries<Setting<unknown>>(table).filter(([, setting]) => setting.programs.includes(program))
}
