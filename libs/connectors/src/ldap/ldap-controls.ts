/** Controls that the client library does not have. */
import { BerWriter, Control, type BerReader, type Filter } from 'ldapts';

/** Controls that a server must support, by their OID in the root entry. */
export const neededControls = { assertion: '1.3.6.1.1.12', 'pre-read': '1.3.6.1.1.13.1', 'post-read': '1.3.6.1.1.13.2' } as const;

/** RFC 4528: the server performs the operation only if the entry matches, otherwise it returns 122. Check and change are atomic. */
export class AssertionControl extends Control {
  private readonly filter: Filter;

  constructor(filter: Filter) {
    super(neededControls.assertion, { critical: true });
    this.filter = filter;
  }

  protected override writeControl(writer: BerWriter): void {
    const value = new BerWriter();
    this.filter.write(value);
    writer.writeBuffer(value.buffer, 0x04);
  }
}

/** RFC 4527: returns attributes of the entry from before or after this operation. */
export class ReadEntryControl extends Control {
  /** Values that the server returned, by attribute in lower case. */
  value: ReadonlyMap<string, readonly string[]> | undefined;
  private readonly attributes: readonly string[];

  constructor(when: 'pre-read' | 'post-read', attributes: readonly string[]) {
    super(neededControls[when], { critical: true });
    this.attributes = attributes;
  }

  protected override writeControl(writer: BerWriter): void {
    this.value = undefined;
    const value = new BerWriter();
    value.startSequence();
    for (const attribute of this.attributes) value.writeString(attribute, 0x04);
    value.endSequence();
    writer.writeBuffer(value.buffer, 0x04);
  }

  /** The reader is at the content of the octet string: a SearchResultEntry. */
  protected override parseControl(reader: BerReader): void {
    reader.readSequence(0x64);
    reader.readString();
    reader.readSequence();
    const end = reader.offset + reader.length;
    const found = new Map<string, string[]>();
    while (reader.offset < end) {
      reader.readSequence();
      const name = (reader.readString() ?? '').toLowerCase();
      reader.readSequence(0x31);
      const last = reader.offset + reader.length;
      const values: string[] = [];
      while (reader.offset < last) values.push(reader.readString() ?? '');
      found.set(name, values);
    }
    this.value = found;
  }
}
