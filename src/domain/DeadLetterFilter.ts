/** Which dead letters are meant; what is undefined says nothing. */
export interface DeadLetterFilter {
  /** `name.namespace` */
  readonly functionName: string | undefined
  readonly reason: string | undefined
  readonly callId: string | undefined
  /** when it died, milliseconds since 1970: from the first moment up to, and without, the second */
  readonly sinceMillis: number | undefined
  readonly untilMillis: number | undefined
}

interface Letter {
  readonly functionName: string
  readonly reason: string
  readonly callId: string | undefined
  readonly deadMillis: number
}

const agrees = <A>(wanted: A | undefined, value: A | undefined): boolean =>
  wanted === undefined || wanted === value

export const matches = (filter: DeadLetterFilter, letter: Letter): boolean =>
  agrees(filter.functionName, letter.functionName) &&
  agrees(filter.reason, letter.reason) &&
  agrees(filter.callId, letter.callId) &&
  letter.deadMillis >= (filter.sinceMillis ?? Number.NEGATIVE_INFINITY) &&
  letter.deadMillis < (filter.untilMillis ?? Number.POSITIVE_INFINITY)
