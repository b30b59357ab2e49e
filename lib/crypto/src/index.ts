/** @9p/crypto: old algorithms of protocols in use, for those protocols alone. None is safe by
 *  itself. */
export * from './des.js';
export * from './md4.js';
export * from './rc4.js';
export * from './sha1.js';
