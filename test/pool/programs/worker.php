<?php
// A worker in PHP for goridge 2 over pipes: echoes, and knows a few words.
ini_set('display_errors', 'stderr');

const CONTROL = 16, RAW = 4, ERROR = 8, NONE = 2;

function read(int $length): string
{
    $data = '';
    while (strlen($data) < $length) {
        $chunk = fread(STDIN, $length - strlen($data));
        if ($chunk === false || $chunk === '') exit(0);
        $data .= $chunk;
    }
    return $data;
}

function receive(): array
{
    ['flags' => $flags, 'length' => $length] = unpack('Cflags/Plength', read(17));
    return [$flags, $flags & NONE ? '' : read($length)];
}

function frame(int $flags, string $data = ''): string
{
    return pack('CPJ', $flags, strlen($data), strlen($data)) . $data;
}

while (true) {
    [$flags, $context] = receive();
    $command = $flags & RAW ? [] : json_decode($context, true);
    if (isset($command['stop'])) exit(0);
    if (isset($command['pid'])) {
        $answer = frame(CONTROL, json_encode(['pid' => getmypid()]));
    } else {
        [, $body] = receive();
        if ($body === 'exit') {
            fwrite(STDERR, 'last words');
            exit(1);
        }
        $answer = $body === 'fail'
            ? frame(CONTROL | RAW | ERROR, 'bad task')
            : frame(CONTROL | RAW, $context) . frame(RAW, $body === 'nothing' ? '' : $body);
    }
    fwrite(STDOUT, $answer);
    fflush(STDOUT);
}
