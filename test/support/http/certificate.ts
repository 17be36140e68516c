import { generate } from 'selfsigned'
import { HOST } from './client.ts'

export interface Certificate {
  readonly key: string
  readonly cert: string
}

let made: Promise<Certificate> | undefined

/** A self-signed certificate for this machine, created once. */
export function certificate(): Promise<Certificate> {
  made ??= generate([{ name: 'commonName', value: HOST }], {
    keyType: 'ec',
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 7, ip: HOST }] }],
  }).then(({ private: key, cert }) => ({ key, cert }))
  return made
}
