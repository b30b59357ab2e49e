/** The layers that the suite holds to what all have in common. Add
 *  yours; one that is not here fails. */

export interface LayerUnderTest {
  /** The folder in plugins/. */
  readonly plugin: string;
  /** The words after `load`, if more than the plugin's name. */
  readonly load?: string;
  /** The directory it serves, if not of the plugin's name. */
  readonly layer?: string;
  /** What the machine must have, as `needs` of the kit has it. */
  readonly needs?: readonly string[];
  /** Runs in a network namespace of its own, in which there is an Ethernet interface `eth7`. */
  readonly netns?: boolean;
  /** Loaded first: what the plugin needs. */
  readonly after?: readonly string[];
  /** `bind` takes the data file of a wire. */
  readonly bindable?: boolean;
  /** Its status is that of Plan 9's device, not the state and pairs. */
  readonly ownStatus?: boolean;
  /** `connect` asks no peer: it is done at once. */
  readonly noHandshake?: boolean;
  /** `data` is not a file of packets. */
  readonly noPackets?: boolean;
  /** Its mtu is not known before it is bound. */
  readonly lateMtu?: boolean;
  /** `listen` is there. */
  readonly calls?: boolean;
  /** Files of the layer's own directory with a standard file's name and another mode. */
  readonly modes?: Readonly<Record<string, number>>;
}

export const layers: readonly LayerUnderTest[] = [
  { plugin: 'auth', noPackets: true },
  { plugin: 'ether', load: 'eth7 ether0', layer: 'ether0', netns: true },
  { plugin: 'loop' },
  { plugin: 'ppp', bindable: true },
  { plugin: 'loop', bindable: true },
  { plugin: 'ppp', bindable: true, after: ['auth'] },
  {
    plugin: 'ipifc',
    netns: true,
    lateMtu: true,
    ownStatus: true,
    bindable: true,
    noHandshake: true,
  },
  { plugin: 'pppoe', lateMtu: true },
  { plugin: 'skeleton', bindable: true },
];

/** Plugins that serve files of their own instead, as Plan 9 has them; each has tests of its own. */
export const flat: readonly string[] = ['eia'];
