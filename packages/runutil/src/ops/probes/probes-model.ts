/** What a probe answers: 200, or 503 with who is the reason. */
export interface ProbeAnswer {
  readonly status: 200 | 503
  readonly body: { readonly ok: boolean; readonly reasons: readonly ProbeReason[] }
}

export interface ProbeReason {
  /** A worker's path, or 'check NAME', or 'shutdown'. */
  readonly who: string
  readonly why: string
}
