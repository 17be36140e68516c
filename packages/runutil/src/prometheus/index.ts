// What a program does, for Prometheus.
export { type Exposition, type ExpositionOptions, type MetricRegistry, exposition } from './exposition.ts'
