export const missing: string | undefined = 'not written yet';
