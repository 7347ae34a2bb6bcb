-- Where an entry stood first, if its log had parted and its device went on under another identity: device, place, and the name of the entry
-- before it there. With the rest of the row the first name is computed from it.
ALTER TABLE entry ADD COLUMN again BLOB;
