/**
 * Whether the body of a response can be divided into segments.
 *
 * @internal
 */
import type { ResponseHead } from "../../Transport.js"
import type { PartialFile } from "../partialFile.js"
import type { Body } from "../receiveBody.js"
import type { SegmentRule } from "./segmentRule.js"

export const isDivisible = (
  { coding, isGuarded, totalBytes }: PartialFile,
  { headers }: ResponseHead,
  { claim, endBytes }: Body,
  { leastBytes }: SegmentRule
): boolean =>
  totalBytes !== undefined &&
  isGuarded &&
  headers["accept-ranges"]?.trim().toLowerCase() !== "none" &&
  coding === "" &&
  Number.isFinite(endBytes) &&
  Math.min(endBytes, claim.endBytes) - claim.nextBytes >= 2 * leastBytes
