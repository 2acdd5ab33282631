import type { Delivery } from "../queue/Delivery.ts"

/**
 * Which attempt at the call this delivery is, from 1. JetStream's delivery count also rises when a worker
 * hands a call back or dies, so a call may get fewer attempts than its policy allows, never more.
 */
export const attemptOf = (delivery: Delivery): number => delivery.deliveryCount
