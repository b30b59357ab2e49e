export * from './errors.js';
export * from './tree.js';
