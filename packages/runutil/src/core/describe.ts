/** A value as an error message shows it: short, with its kind. Never throws. */
export function describe(value: unknown): string {
  try {
    return described(value)
  } catch {
    return `${typeof value === 'function' ? 'a function' : 'an object'} that cannot be read`
  }
}

function described(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value)
  if (typeof value === 'bigint' || typeof value === 'symbol') return shortened(String(value))
  if (typeof value === 'function') return `function ${shortened(String(value.name || '(anonymous)'))}`
  if (typeof value !== 'object' || value === null) return String(value)
  if (Array.isArray(value)) return `an array of ${value.length}`
  // Its keys are its indexes: listing them takes seconds.
  if (ArrayBuffer.isView(value)) return `an instance of ${kindOfView(value)}`
  const type = (value.constructor as { name?: unknown } | undefined)?.name
  if (typeof type === 'string' && type !== '' && type !== 'Object') return `an instance of ${shortened(type)}`
  return `an object { ${firstKeys(value)
    .map((key) => shortened(key))
    .join(', ')} }`
}

function kindOfView(view: ArrayBufferView): string {
  const name: unknown = view.constructor?.name
  return typeof name === 'string' ? shortened(name) : 'ArrayBufferView'
}

function firstKeys(value: object): string[] {
  const keys: string[] = []
  for (const key in value) {
    if (Object.hasOwn(value, key)) keys.push(key)
    if (keys.length === 5) break
  }
  return keys
}

/** The beginning of a text that is too long for a message. */
export function shortened(text: string, most = 80): string {
  return text.length > most ? `${text.slice(0, most)}…` : text
}
