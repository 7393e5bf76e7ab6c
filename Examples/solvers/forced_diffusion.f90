! u_t = 0.1 u_xx + sin(x) cos(t) on a periodic domain of 64 points, as a solver for Kymo (docs/external-solvers.md).
! Build: gfortran -O2 forced_diffusion.f90 -o forced_diffusion
program forced_diffusion
  implicit none
  integer, parameter :: points = 64, substeps = 20, dp = kind(1d0)
  real(dp), parameter :: interval = 0.1_dp, h = interval / substeps, pi = acos(-1d0)
  real(dp) :: x(points), t = 0
  real(dp), allocatable :: u(:, :)
  character(100) :: line
  integer :: i, b, count, frames, input, output
  x = [(2 * pi / points * (i - 1), i = 1, points)]
  open(newunit=input, file="/dev/stdin", access="stream", form="unformatted", action="read")
  open(newunit=output, file="/dev/stdout", access="stream", form="unformatted", action="write")
  write(line, '(a,f0.3,a,i0)') "kymo-solver 1 interval 0", interval, " shape 1 ", points
  call say(line)
  do while (heard(line))
    if (line(1:8) == "restart ") then
      read(line(9:), *) count, t
      if (allocated(u)) deallocate(u)
      allocate(u(points, count))  ! the first index is the fastest, as on the wire
      read(input) u
      call say("ready")
    else if (line(1:8) == "advance ") then
      read(line(9:), *) frames
      do while (frames > 0)
        do i = 1, substeps  ! the midpoint method
          do b = 1, count
            u(:, b) = u(:, b) + h * rate(u(:, b) + h / 2 * rate(u(:, b), t), t + h / 2)
          end do
          t = t + h
        end do
        write(line, '(a,i0)') "frame ", size(u)
        call say(line)
        write(output) u
        flush(output)
        frames = frames - 1
      end do
    else
      exit
    end if
  end do
contains
  function rate(u, t)
    real(dp), intent(in) :: u(points), t
    real(dp) :: rate(points)
    rate = 0.1_dp * (cshift(u, -1) - 2 * u + cshift(u, 1)) / (2 * pi / points)**2 + sin(x) * cos(t)
  end function
  subroutine say(words)
    character(*), intent(in) :: words
    write(output) trim(words), new_line("a")
    flush(output)
  end subroutine
  logical function heard(line)  ! reads a line up to its end
    character(*), intent(out) :: line
    character :: letter
    integer :: place, status
    line = ""
    do place = 1, len(line)
      read(input, iostat=status) letter
      heard = status == 0
      if (.not. heard .or. letter == new_line("a")) return
      line(place:place) = letter
    end do
  end function
end program
