# Completion of slashnet for fish: slashnet completion fish | source

function __slashnet_complete
    # The word being typed may have its quote yet open.
    set -l word (commandline -ct | string replace -r '^["\']' '' | string unescape)
    set -l words (commandline -opc) $word
    set -l candidates (slashnet __complete fish $words[2..] 2>/dev/null)
    switch $status
        case 3
            __fish_complete_path (commandline -ct)
        case 4
            __fish_complete_directories (commandline -ct)
        case '*'
            printf '%s\n' $candidates
    end
end

complete -c slashnet -f -a '(__slashnet_complete)'
