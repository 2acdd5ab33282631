/** Loaded into a worker before its own program (`node --import`): it counts nothing, as if it had no metrics. */
import { Instruments, silent } from "../src/telemetry/Instruments.ts"

Instruments.prototype.make = () => silent
