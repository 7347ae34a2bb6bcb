/** One entry per error code: what happened, what is safe, what to do. */
export default {
  notice: {
    label: '出现问题',
    openSync: '查看同步情况',
    openConflicts: '查看冲突',
    openSettings: '打开设置',
    reload: '重新打开界面',
    code: '代码 {code}',
  },
  unknown_code: {
    happened: '这一步没有完成。',
    safe: '之前显示“已存本机”的内容不受影响。',
    advice: '请重试；若仍不行，请把代码 {code} 告诉管理员。',
  },
  bad_request: {
    happened: '界面与程序的版本对不上，这一步没有执行。',
    safe: '已经保存的内容不受影响。',
    advice: '请重新打开界面；若仍不行，请更新程序。',
  },
  not_ready: {
    happened: '台账还没有打开，或者本机还没有登记。',
    safe: '已经保存的内容不受影响。',
    advice: '请先完成开机时的解锁或登记。',
  },
  not_found: {
    happened: '这里没有这份记录或文件。',
    safe: '其他内容不受影响。',
    advice: '它可能还没有同步到本机；请先同步，或返回列表重新查找。',
  },
  not_allowed: {
    happened: '您的岗位不能做这一步。',
    safe: '没有改动任何内容。',
    advice: '如果确需办理，请联系管理员调整岗位。',
  },
  frozen: {
    happened: '这份记录已经签名，内容已冻结。',
    safe: '签名时的内容原样保留。',
    advice: '如需更正，请另行补充说明或重新检查。',
  },
  stale: {
    happened: '您查看期间，内容已经变了，这一步没有执行。',
    safe: '两边的内容都保留着。',
    advice: '请看过最新内容后再做一次。',
  },
  incomplete: {
    happened: '还有必填的内容没有完成，暂不能签名。',
    safe: '已经填写的内容都已保存。',
    advice: '请按清单补齐后再签名。',
  },
  bad_value: {
    happened: '填写的内容不符合这一项的要求，没有采用。',
    safe: '原来的内容没有变。',
    advice: '请按提示改正后重新填写。',
  },
  wrong_passphrase: {
    happened: '口令不对。',
    safe: '台账没有受到影响。',
    advice: '请检查大小写和输入法后重新输入。',
  },
  weak_passphrase: {
    happened: '口令太短，至少要 8 个字符。',
    safe: '还没有建立台账。',
    advice: '请换一个更长的口令。',
  },
  no_keychain: {
    happened: '本机没有可用的系统凭据库。',
    safe: '没有保存任何内容。',
    advice: '请改用口令保护台账。',
  },
  wrong_key: {
    happened: '本机保存的密钥打不开这个台账：数据文件夹中的密钥与数据库不是一起建立的。',
    safe: '台账没有改动。',
    advice: '请把数据库和与它一起建立的密钥文件（key.json）放回同一个数据文件夹；如果密钥保存在系统凭据库中，请用原来的系统用户登录。',
  },
  newer_database: {
    happened: '本机的台账是由更新版本的程序写的，这个版本不能打开。',
    safe: '台账没有改动。',
    advice: '请安装新版本的程序。',
  },
  database_in_use: {
    happened: '台账正被另一个程序窗口使用。',
    safe: '台账没有改动。',
    advice: '请关闭另一个窗口后重试。',
  },
  disk_full: {
    happened: '磁盘空间不足，这一步没有保存。',
    safe: '之前显示“已存本机”的内容都在；正在输入的文字仍在界面上。',
    advice: '请腾出磁盘空间后重试，不要关闭程序。',
  },
  storage: {
    happened: '台账读写失败，这一步没有保存。',
    safe: '之前显示“已存本机”的内容不受影响；正在输入的文字仍在界面上。',
    advice: '请重试；若仍不行，请检查磁盘并联系管理员。',
  },
  no_address: {
    happened: '本机是用 U 盘登记的，没有服务器地址，不能联网发送。',
    safe: '全部内容都已存本机。',
    advice: '请在“同步”页点“用 U 盘交换（数据包）”，把内容带到中心端。',
  },
  unreachable: {
    happened: '现在连不上服务器。',
    safe: '全部内容都已存本机，联网后会自动发送。',
    advice: '可以继续工作；需要时检查网络后重试。',
  },
  not_a_server: {
    happened: '这个地址不是实查的服务器。',
    safe: '没有发送任何内容。',
    advice: '请向管理员核对服务器地址。',
  },
  unknown_server: {
    happened: '服务器的密钥与登记时确认的不一致，已停止连接。',
    safe: '没有向它发送任何内容；全部内容都在本机。',
    advice: '请先联系管理员核对服务器指纹，不要自行继续。',
  },
  bad_code: {
    happened: '登记码不对、已用过或已过期。',
    safe: '本机没有改动。',
    advice: '请核对登记码，或请管理员重新发放。',
  },
  revoked: {
    happened: '管理员已停用这台设备，服务器不再接收它的内容。',
    safe: '已经记录的内容仍完整保存在本机。',
    advice: '请联系管理员。',
  },
  contradiction: {
    happened: '这与服务器上已有的内容矛盾，没有执行。',
    safe: '没有改动任何内容。',
    advice: '请按提示改正后重试。',
  },
  bad_unlock_code: {
    happened: '解锁码不对。',
    safe: '台账仍锁着，没有受到影响。',
    advice: '请向管理员核对解锁码：26 个字符，不分大小写。',
  },
  version_mismatch: {
    happened: '程序与服务器的版本不相容。',
    safe: '全部内容都已存本机。',
    advice: '请更新程序，或请管理员更新服务器。',
  },
  server_refused: {
    happened: '服务器没有接受这次请求。',
    safe: '全部内容都已存本机，其他记录照常发送。',
    advice: '请在同步页面查看原因。',
  },
  server_untrustworthy: {
    happened: '服务器前后给出的答复互相矛盾，已停止接收。',
    safe: '本机的内容完整，没有被改动。',
    advice: '请立即联系管理员核查服务器。',
  },
  empty_file: {
    happened: '这个文件是空的（0 字节），没有采用。',
    safe: '其他文件不受影响。',
    advice: '请检查文件是否拷贝完整，再重新选择。',
  },
  file_too_large: {
    happened: '这个文件太大，没有采用。',
    safe: '其他文件不受影响。',
    advice: '请截取需要的部分，或降低清晰度后重新选择。',
  },
  bad_file: {
    happened: '这个文件读不出来，或者内容与类型不符，没有采用。',
    safe: '其他文件不受影响。',
    advice: '请确认文件没有损坏、存储介质仍连接着，再重新选择。',
  },
  protected_file: {
    happened: '这个文件有密码保护，没有采用。',
    safe: '其他文件不受影响。',
    advice: '请先去掉密码，再重新选择。',
  },
  not_a_package: {
    happened: '这不是实查数据包。',
    safe: '没有导入任何内容。',
    advice: '请选择扩展名为 .shicha 的文件。',
  },
  newer_package: {
    happened: '这个数据包由更新版本的程序制作。',
    safe: '没有导入任何内容，文件没有改动。',
    advice: '请先更新本机的程序，再导入。',
  },
  damaged_package: {
    happened: '数据包不完整，或者被改动过。',
    safe: '没有导入任何内容。',
    advice: '请从原处重新拷贝一次，等写完再拔 U 盘；仍不行请对方重新导出。',
  },
  package_not_genuine: {
    happened: '数据包不是所称的发出方制作的，或内容不符合约定。',
    safe: '没有导入任何内容。',
    advice: '请勿使用这个文件，与发出方核实后重新导出。',
  },
  package_for_another: {
    happened: '这个数据包不是给本机的。',
    safe: '没有导入任何内容；内容已加密，本机打不开，可以继续代为转交。',
    advice: '请带到它的接收方导入。',
  },
  package_from_unknown: {
    happened: '发出方不在本机的名录中，或已被停用。',
    safe: '没有导入任何内容。',
    advice: '请先更新名录（联网同步，或导入中心端的数据包）；如对方设备已停用，请联系管理员。',
  },
  package_refused: {
    happened: '中心端没有接收这个数据包。',
    safe: '数据包没有改动，里面的内容仍在它原来的电脑上。',
    advice: '请把原因告诉制作它的人；重新导出后可以再交一次。',
  },
  not_a_card: {
    happened: '这不是服务器的名片文件，或者文件被改动过。',
    safe: '没有发送或保存任何内容。',
    advice: '请选择管理员给的名片文件；仍不行，请管理员重新制作一份。',
  },
  not_the_answer: {
    happened: '这不是对本机登记申请的答复：它是别的文件，给别的电脑，或出自别的服务器。',
    safe: '没有导入任何内容，本机的申请仍然有效。',
    advice: '请选择管理员导入本机的申请文件后得到的那个答复文件。',
  },
  update_refused: {
    happened: '现在不能安装或收下这个更新。',
    safe: '程序和检查记录都没有改动。',
    advice: '请按说明处理后再试；仍不行，请告诉管理员。',
  },
  unknown_recipient: {
    happened: '不能给这台设备制作数据包：名录中没有它，或已被停用。',
    safe: '没有写入任何内容。',
    advice: '请更新名录后重新选择接收方。',
  },
  stopped: {
    happened: '已按您的要求停止。',
    safe: '停止前已经导入的内容有效；未写完的数据包已删除。',
    advice: '可以随时重新开始，不会重复。',
  },
  system: {
    happened: '系统没有照办：{detail}。',
    safe: '记录内容不受影响。',
    advice: '请再试一次；若单位的安全软件或策略禁止，请告诉管理员。',
  },
  no_font: {
    happened: '本机缺少制作文书所需的中文字体。',
    safe: '记录内容不受影响。',
    advice: '请安装仿宋、黑体等中文字体，或重新安装程序。',
  },
  internal: {
    happened: '程序内部出错，这一步没有完成。',
    safe: '之前显示“已存本机”的内容不受影响。',
    advice: '请重试；若仍不行，请把代码告诉管理员。',
  },
  unexpected: {
    happened: '界面遇到了没有预料到的情况，这一步没有完成。',
    safe: '之前显示“已存本机”的内容不受影响。',
    advice: '请重试；若仍不行，请重新打开界面，并把下面的说明告诉管理员：{reason}',
  },
  host_unreachable: {
    happened: '界面与本机台账的联系中断了。',
    safe: '已经显示“已存本机”的内容都在；正在输入的文字仍保留在界面上。',
    advice: '请稍候再试；若仍不行，请重新打开程序。',
  },
  evidence_unreadable: {
    happened: '这份证据暂时打不开。',
    safe: '原件没有改动。',
    advice: '请重试；若这份证据还没有从服务器取回，请先同步。',
  },
};
