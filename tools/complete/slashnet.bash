# Completion of slashnet for bash: eval "$(slashnet completion bash)"

_slashnet() {
    local candidates kind
    COMPREPLY=()
    case ${COMP_WORDS[COMP_CWORD - 1]} in
    '<' | '>' | '>>') # a file of ours
        compopt -o default
        return
        ;;
    esac
    candidates=$(slashnet __complete bash "${COMP_LINE:0:COMP_POINT}" 2>/dev/null)
    kind=$?
    case $kind in
    3) compopt -o default ;;
    4) compopt -o dirnames ;;
    5) compopt -o filenames ;; # quotes what needs it
    esac
    [[ -n $candidates ]] && mapfile -t COMPREPLY <<<"$candidates"
    [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == */ ]] && compopt -o nospace
    return 0
}

complete -F _slashnet slashnet
