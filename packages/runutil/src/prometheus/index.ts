// What a program does, for Prometheus.
export { type ExpositionOptions, type MetricRegistry, exposition } from './exposition.ts'
