; What people read while they install and remove. Chinese first, English second.

!macro Say NAME ZH EN
  LangString ${NAME} ${LANG_SIMPCHINESE} "${ZH}"
  LangString ${NAME} ${LANG_ENGLISH} "${EN}"
!macroend

!insertmacro Say PRODUCT "实查 Shicha" "Shicha 实查"
!insertmacro Say SHORTCUT "实查" "Shicha"
!insertmacro Say FILE_TYPE_NAME "实查数据包" "Shicha package"
!insertmacro Say PART_PROGRAM "实查（检查人员、监管人员、机构）" "Shicha (inspectors, supervisors, institutions)"
!insertmacro Say PART_SERVER "中心端程序 shicha-server（仅管理员需要）" "Central endpoint shicha-server (administrators only)"
!insertmacro Say RUN "现在打开实查" "Open Shicha now"
!insertmacro Say DONE "实查 ${VERSION} 已装好。原有的检查记录都在。" "Shicha ${VERSION} is installed. Records that were here are untouched."
!insertmacro Say COMPONENT_GOES_IN "正在安装 Microsoft Edge WebView2 运行时…" "Installing the Microsoft Edge WebView2 Runtime…"
!insertmacro Say TOO_OLD "实查需要 64 位的 Windows 10 或 Windows 11。$\r$\n$\r$\n本机未作任何改动。" "Shicha needs Windows 10 or Windows 11, 64 bit.$\r$\n$\r$\nNothing was changed on this computer."
!insertmacro Say NEWER "本机已装有更新的版本 $0，不能用 ${VERSION} 覆盖。$\r$\n$\r$\n程序和检查记录都未改动。" "The newer version $0 is installed; ${VERSION} does not go over it.$\r$\n$\r$\nProgram and records are unchanged."
!insertmacro Say RUNNING "实查正在运行。请先退出（窗口已关而屏幕右下角仍有图标的，右键点图标选“退出实查”；中心端则先停止），再点“重试”。$\r$\n$\r$\n已保存的记录都在。" "Shicha is running. Close it (where its icon is still beside the clock, by the menu of that icon; or stop the central endpoint), then choose Retry.$\r$\n$\r$\nWhat was saved is safe."
!insertmacro Say RECORDS_TITLE "检查记录是否保留" "Do the records stay?"
!insertmacro Say RECORDS_SUBTITLE "程序将被卸载。" "The program is about to be removed."
!insertmacro Say RECORDS_TEXT "本机上的检查记录、证据和密钥放在下面的文件夹里。保留时，以后重新安装即可继续使用；删除后无法恢复，尚未送达中心端的记录将永远丢失。" "Records, evidence and keys of this computer lie in the folder below. If they stay, a later installation goes on with them. If they are removed, nothing brings them back, and what has not reached the central endpoint is lost for ever."
!insertmacro Say RECORDS_KEEP "保留检查记录（建议）" "Keep the records (recommended)"
!insertmacro Say RECORDS_PURGE "删除本机上的全部检查记录" "Remove all records from this computer"
!insertmacro Say RECORDS_SURE "真的删除本机上的全部检查记录、证据和密钥？$\r$\n$\r$\n此操作无法撤销。" "Really remove all records, evidence and keys from this computer?$\r$\n$\r$\nThis cannot be undone."
