/** @9p/rawio/netlink: links, addresses and routes of Linux without a fork. */
export * from './client.js';
export * from './message.js';
export * from './route.js';
export * from './socket.js';
