export * from './bytes.js';
export * from './checksum.js';
export * from './outside.js';
export * from './packet.js';
export * from './pcapng.js';
