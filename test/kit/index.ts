/** What tests share. Import it as '../kit/index.js'. */
export * from './bytes.js';
export { Certs } from './certs.js';
export * from './clock.js';
export * from './files.js';
export * from './needs.js';
export * from './netns.js';
export * from './pair.js';
export * from './random.js';
export * from './samples.js';
export * from './system.js';
export * from './wire.js';
