//! The disks below SQLite: a layer over its own file system that asks a [`Disk`] before each operation.
//!
//! It becomes the default of the process, so that the ledger and the store open their databases on it without knowing. Locks and the
//! shared memory of the write-ahead log are SQLite's own. Files in folders without a disk are left to SQLite alone.

use std::{
    collections::HashMap,
    ffi::{CStr, OsStr, c_char, c_int, c_void},
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
    ptr,
    sync::{Arc, LazyLock, Once},
};

use parking_lot::Mutex;
use rusqlite::ffi;

use crate::disk::{Disk, DiskFault, Process};

static DISKS: LazyLock<Mutex<HashMap<PathBuf, Arc<Disk>>>> = LazyLock::new(Mutex::default);
static BEGUN: Once = Once::new();

/// Puts a disk below the databases of a folder, until it is taken away.
pub fn mount(folder: &Path, disk: Arc<Disk>) {
    BEGUN.call_once(begin);
    DISKS.lock().insert(folder.to_owned(), disk);
}

/// Takes the disk of a folder away.
pub fn unmount(folder: &Path) {
    DISKS.lock().remove(folder);
}

fn disk_of(path: &Path) -> Option<Arc<Disk>> {
    DISKS.lock().get(path.parent()?).cloned()
}

/// What SQLite keeps of an open file: ours, and behind it that of the file system below.
#[repr(C)]
struct Open {
    methods: *const ffi::sqlite3_io_methods,
    place: *mut Place,
}

/// Where an open file lies. SQLite closes each file once, which frees this.
struct Place {
    disk: Arc<Disk>,
    process: Process,
    path: PathBuf,
}

impl Place {
    fn check(&self) -> Result<(), DiskFault> {
        self.disk.check(self.process)
    }
}

/// Multiple of every alignment that a file system could ask for.
const OURS: usize = 64;
const _: () = assert!(size_of::<Open>() <= OURS);

fn begin() {
    // SQLCipher would tell of each page that a dead process cannot read any more.
    let told = rusqlite::Connection::open_in_memory()
        .and_then(|db| db.pragma_update(None, "cipher_log_level", "NONE"));
    if let Err(error) = told {
        eprintln!("SQLCipher will tell of unreadable pages: {error}");
    }
    // SAFETY: SQLite is initialised before its list of file systems is asked, and what is registered is never freed.
    unsafe {
        ffi::sqlite3_initialize();
        let below = ffi::sqlite3_vfs_find(ptr::null());
        assert!(!below.is_null(), "SQLite has a file system");
        let ours = ffi::sqlite3_vfs {
            iVersion: 2,
            szOsFile: (*below).szOsFile + OURS as c_int,
            pNext: ptr::null_mut(),
            zName: c"shicha-sim".as_ptr(),
            pAppData: below.cast(),
            xOpen: Some(open),
            xDelete: Some(delete),
            xAccess: Some(access),
            ..*below
        };
        let done = ffi::sqlite3_vfs_register(Box::into_raw(Box::new(ours)), 1);
        assert_eq!(done, ffi::SQLITE_OK, "SQLite takes the file system");
    }
}

/// The file system below ours.
///
/// # Safety
/// `vfs` is the one that [`begin`] registered.
unsafe fn below(vfs: *mut ffi::sqlite3_vfs) -> *mut ffi::sqlite3_vfs {
    // SAFETY: as promised.
    unsafe { (*vfs).pAppData.cast() }
}

/// The file below an open one of ours.
///
/// # Safety
/// `file` was opened by [`open`].
unsafe fn inner(file: *mut ffi::sqlite3_file) -> *mut ffi::sqlite3_file {
    // SAFETY: the room behind ours was asked for in `szOsFile`.
    unsafe { file.cast::<u8>().add(OURS).cast() }
}

/// # Safety
/// `file` was opened by [`open`] and is not closed.
unsafe fn place<'a>(file: *mut ffi::sqlite3_file) -> &'a Place {
    // SAFETY: as promised; only `close` frees it.
    unsafe { &*(*file.cast::<Open>()).place }
}

/// # Safety
/// `name` is null or a C string.
unsafe fn path_of(name: *const c_char) -> Option<PathBuf> {
    if name.is_null() {
        return None;
    }
    // SAFETY: as promised.
    let name = unsafe { CStr::from_ptr(name) };
    Some(PathBuf::from(OsStr::from_bytes(name.to_bytes())))
}

fn code(fault: DiskFault, dead: c_int) -> c_int {
    match fault {
        DiskFault::Dead => dead,
        DiskFault::Full => ffi::SQLITE_FULL,
    }
}

unsafe extern "C" fn open(
    vfs: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    // SAFETY: SQLite hands a file of `szOsFile` bytes and keeps `name` for as long as the file is open.
    unsafe {
        let ours = file.cast::<Open>();
        (*ours).methods = ptr::null();
        (*ours).place = ptr::null_mut();
        let below = below(vfs);
        let open_below = (*below).xOpen.unwrap_unchecked();
        let found = path_of(name).and_then(|path| Some((disk_of(&path)?, path)));
        let Some((disk, path)) = found else {
            // SQLite treats a file by its first word: let it find the methods of the system below, over the same bytes.
            return open_below(below, name, file, flags, out);
        };
        let process = disk.worker();
        if disk.check(process).is_err() {
            return ffi::SQLITE_CANTOPEN;
        }
        let inner = inner(file);
        (*inner).pMethods = ptr::null();
        let done = open_below(below, name, inner, flags, out);
        if done == ffi::SQLITE_OK {
            (*ours).place = Box::into_raw(Box::new(Place {
                disk,
                process,
                path,
            }));
            (*ours).methods = &raw const METHODS;
        }
        done
    }
}

unsafe extern "C" fn delete(vfs: *mut ffi::sqlite3_vfs, name: *const c_char, sync: c_int) -> c_int {
    // SAFETY: SQLite hands the registered file system and a C string.
    unsafe {
        if let Some(path) = path_of(name)
            && let Some(disk) = disk_of(&path)
            && let Err(fault) = disk.delete(disk.worker(), &path)
        {
            return code(fault, ffi::SQLITE_IOERR_DELETE);
        }
        let below = below(vfs);
        (*below).xDelete.unwrap_unchecked()(below, name, sync)
    }
}

unsafe extern "C" fn access(
    vfs: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    // SAFETY: as in `delete`.
    unsafe {
        if let Some(path) = path_of(name)
            && let Some(disk) = disk_of(&path)
            && disk.check(disk.worker()).is_err()
        {
            return ffi::SQLITE_IOERR_ACCESS;
        }
        let below = below(vfs);
        (*below).xAccess.unwrap_unchecked()(below, name, flags, out)
    }
}

/// Hands a call on to the file below.
macro_rules! inner {
    ($file:expr, $method:ident $(, $argument:expr)*) => {{
        let inner = inner($file);
        (*(*inner).pMethods).$method.unwrap_unchecked()(inner $(, $argument)*)
    }};
}

/// Hands a call on to the file below, unless the process is dead.
macro_rules! living {
    ($name:ident, $method:ident, $dead:expr $(, $argument:ident: $kind:ty)*) => {
        unsafe extern "C" fn $name(file: *mut ffi::sqlite3_file $(, $argument: $kind)*) -> c_int {
            // SAFETY: SQLite calls the methods of an open file only, with arguments that the file below understands.
            unsafe {
                if place(file).check().is_err() {
                    return $dead;
                }
                inner!(file, $method $(, $argument)*)
            }
        }
    };
}

/// Hands a call on to the file below in any case: a process that ends lets go of what it holds.
macro_rules! always {
    ($name:ident, $method:ident $(, $argument:ident: $kind:ty)*) => {
        unsafe extern "C" fn $name(file: *mut ffi::sqlite3_file $(, $argument: $kind)*) -> c_int {
            // SAFETY: as in `living`.
            unsafe { inner!(file, $method $(, $argument)*) }
        }
    };
}

living!(read, xRead, ffi::SQLITE_IOERR_READ, to: *mut c_void, length: c_int, offset: ffi::sqlite3_int64);
living!(file_size, xFileSize, ffi::SQLITE_IOERR_FSTAT, out: *mut ffi::sqlite3_int64);
living!(lock, xLock, ffi::SQLITE_IOERR_LOCK, level: c_int);
living!(check_reserved, xCheckReservedLock, ffi::SQLITE_IOERR_CHECKRESERVEDLOCK, out: *mut c_int);
living!(shm_map, xShmMap, ffi::SQLITE_IOERR_SHMMAP, page: c_int, size: c_int, extend: c_int, out: *mut *mut c_void);
always!(unlock, xUnlock, level: c_int);
always!(file_control, xFileControl, operation: c_int, argument: *mut c_void);
always!(sector_size, xSectorSize);
always!(characteristics, xDeviceCharacteristics);

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    // SAFETY: SQLite closes an open file once.
    unsafe {
        let done = inner!(file, xClose);
        let ours = file.cast::<Open>();
        drop(Box::from_raw((*ours).place));
        (*ours).place = ptr::null_mut();
        done
    }
}

unsafe extern "C" fn write(
    file: *mut ffi::sqlite3_file,
    from: *const c_void,
    length: c_int,
    offset: ffi::sqlite3_int64,
) -> c_int {
    // SAFETY: as in `living`; no more is written than `from` holds.
    unsafe {
        let place = place(file);
        let (taken, told) =
            place
                .disk
                .write(place.process, &place.path, offset as u64, length as u64);
        let done = if taken > 0 {
            inner!(file, xWrite, from, taken as c_int, offset)
        } else {
            ffi::SQLITE_OK
        };
        told.map_or_else(|fault| code(fault, ffi::SQLITE_IOERR_WRITE), |()| done)
    }
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, size: ffi::sqlite3_int64) -> c_int {
    // SAFETY: as in `living`.
    unsafe {
        let place = place(file);
        match place.disk.truncate(place.process, &place.path, size as u64) {
            Ok(()) => inner!(file, xTruncate, size),
            Err(fault) => code(fault, ffi::SQLITE_IOERR_TRUNCATE),
        }
    }
}

unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, _flags: c_int) -> c_int {
    // SAFETY: as in `living`. The real file need not be durable: nobody cuts the real power.
    unsafe {
        let place = place(file);
        match place.disk.sync(place.process, &place.path) {
            Ok(()) => ffi::SQLITE_OK,
            Err(fault) => code(fault, ffi::SQLITE_IOERR_FSYNC),
        }
    }
}

unsafe extern "C" fn shm_lock(
    file: *mut ffi::sqlite3_file,
    at: c_int,
    count: c_int,
    flags: c_int,
) -> c_int {
    // SAFETY: as in `living`.
    unsafe {
        if flags & ffi::SQLITE_SHM_UNLOCK == 0 && place(file).check().is_err() {
            return ffi::SQLITE_IOERR_SHMLOCK;
        }
        inner!(file, xShmLock, at, count, flags)
    }
}

unsafe extern "C" fn shm_barrier(file: *mut ffi::sqlite3_file) {
    // SAFETY: as in `living`.
    unsafe { inner!(file, xShmBarrier) }
}

unsafe extern "C" fn shm_unmap(file: *mut ffi::sqlite3_file, delete: c_int) -> c_int {
    // SAFETY: as in `living`.
    unsafe {
        let delete = if place(file).check().is_err() {
            0
        } else {
            delete
        };
        inner!(file, xShmUnmap, delete)
    }
}

/// Version 2: with shared memory, without mapped files.
static METHODS: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_reserved),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: None,
    xUnfetch: None,
};
