// Workers that go wrong as they connect: odd-socket.mjs <way>. They speak goridge 2, by hand.
import { spawn } from 'node:child_process'
import { connect } from 'node:net'

const { protocol, pathname, hostname, port } = new URL(process.env.RR_RELAY)

function frame(flags, data) {
  const bytes = Buffer.alloc(17 + data.length)
  bytes[0] = flags
  bytes.writeBigUInt64LE(BigInt(data.length), 1)
  bytes.writeBigUInt64BE(BigInt(data.length), 9)
  bytes.write(data, 17)
  return bytes
}

/** Connects and, when it is asked for its pid, answers with this. */
function answer(bytes) {
  const socket = connect(protocol === 'unix:' ? pathname : { host: hostname, port })
  socket.once('data', () => socket.write(bytes))
  socket.on('error', () => {})
  return socket
}

const pid = (of) => frame(16, JSON.stringify({ pid: of }))
const ways = {
  'answers another pid': () => answer(pid(process.pid + 100_000)),
  'answers garbage': () => answer('GET / HTTP/1.1\r\n\r\n'),
  'says why, and stays silent': () => {
    console.error('waiting for the licence server')
    connect(protocol === 'unix:' ? pathname : { host: hostname, port })
  },
  // Who knows the port and the pid of a worker that is slow to connect.
  'has another user answer': () => {
    const script = `
      const socket = require('node:net').connect({ host: '${hostname}', port: ${Number(port)} })
      socket.once('data', () => socket.write(Buffer.from('${pid(process.pid).toString('hex')}', 'hex')))
      socket.on('error', () => {})`
    spawn(process.execPath, ['-e', script], { uid: 65534, gid: 65534, stdio: 'inherit' })
  },
  'connects twice': () => {
    const first = answer(pid(process.pid))
    const second = answer(pid(process.pid))
    let isTold = false
    let isClosed = false
    const end = () => isTold && isClosed && process.exit(0)
    for (const socket of [first, second]) {
      socket.on('close', () => {
        console.error('a connection was closed')
        isClosed = true
        end()
      })
      socket.on('data', (data) => {
        isTold ||= data.includes('"stop"')
        end()
      })
    }
  },
}

ways[process.argv[2]]()
setInterval(() => {}, 2 ** 30)
