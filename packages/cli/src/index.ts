export { probe } from './probe/run-probe.ts';
export type { CheckResult, ProbeOptions, ProbeReport } from './probe/run-probe.ts';
export { ProbeError } from './probe/probe-error.ts';
export type { ProbeErrorCode } from './probe/probe-error.ts';
export type { Finding } from './probe/finding.ts';
export type { LatencyLimits, Tool, ToolCall } from './probe/target.ts';
