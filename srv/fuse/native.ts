import type { FuseBackend } from './backend.js';

export const fuseNative: FuseBackend = {
  name: 'fuse-native',
  missing: async () => 'not yet',
  mount: () => Promise.reject(new Error('not yet')),
};
