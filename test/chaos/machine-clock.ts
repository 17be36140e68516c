/** One clock for all processes of the machine, that nobody sets: in ms, with fractions. */
export function machineMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}
