import { Schedule } from "effect"

/** How a question that JetStream has to answer some day is asked again. */
export const untilAnswered = Schedule.min([Schedule.exponential("100 millis"), Schedule.spaced("2 seconds")])
