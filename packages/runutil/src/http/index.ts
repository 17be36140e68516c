// A server as a worker.
export { HostNotFoundError, PortInUseError } from '../core/listen-errors.ts'
export { type HttpServerOptions, httpServer } from './http-server.ts'
export type { HttpApp, HttpListener, NodeHttpServer } from './node-http-server.ts'
